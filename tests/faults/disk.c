/* A disk and a clock that fail when they are told to. Loaded before libc by LD_PRELOAD.

   FAULTS_CONTROL names a file of 64-bit integers that all processes map:
     0 syncs done, 1 milliseconds that a sync takes, 2 errno of a write (28 full, 30 read-only),
     3 seconds that the clock is wrong, 4 whether syncs are only pretended.
   Only files below FAULTS_FOLDER are concerned, and writes fail below FAULTS_WRITES. With FAULTS_DURABLE, a folder, what is on the disk
   for good is kept there: each sync of a file copies what was written to it since the last one.
   After a kill, putting those files in the place of the others is a power cut. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define FILES 4096
static volatile int64_t *control;
static const char *folder, *writes, *durable;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* What was written to each file since its last sync, by inode: from the first byte to the last. */
static struct { ino_t inode; off_t from, to; } dirty[FILES];

__attribute__((constructor)) static void start(void) {
  const char *name = getenv("FAULTS_CONTROL");
  folder = getenv("FAULTS_FOLDER");
  writes = getenv("FAULTS_WRITES");
  durable = getenv("FAULTS_DURABLE");
  int fd = name && folder ? open(name, O_RDWR) : -1;
  if (fd < 0) return;
  void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (at != MAP_FAILED) control = at;
  close(fd);
}

static int path_of(int fd, char *path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return 1;
}

static int is_below(const char *path, const char *above) {
  size_t length = strlen(above);
  return strncmp(path, above, length) == 0 && path[length] == '/';
}

static int concerns(int fd, char *path) {
  return control && path_of(fd, path) && is_below(path, folder);
}

static void copy_range(int from, int to, off_t at, off_t until) {
  char bytes[65536];
  while (at < until) {
    size_t wanted = until - at < (off_t)sizeof bytes ? (size_t)(until - at) : sizeof bytes;
    ssize_t got = pread(from, bytes, wanted, at);
    if (got <= 0) return;
    if (syscall(SYS_pwrite64, to, bytes, (size_t)got, at) != got) abort();
    at += got;
  }
}

static int shadow_of(const char *path, int flags) {
  char shadow[PATH_MAX * 2];
  snprintf(shadow, sizeof shadow, "%s/%s", durable, strrchr(path, '/') + 1);
  return (int)syscall(SYS_openat, AT_FDCWD, shadow, flags, 0600);
}

/* Called with the lock held. What a file held before we first saw it is on the disk. */
static int slot_of(int fd, const char *path) {
  struct stat about;
  if (fstat(fd, &about) || !S_ISREG(about.st_mode)) return -1;
  int at = (int)(about.st_ino % FILES);
  while (dirty[at].inode && dirty[at].inode != about.st_ino) at = (at + 1) % FILES;
  if (!dirty[at].inode) {
    dirty[at].inode = about.st_ino;
    dirty[at].from = INT64_MAX;
    dirty[at].to = 0;
    int to = shadow_of(path, O_RDWR | O_CREAT | O_EXCL);
    if (to >= 0) {
      int from = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY, 0);
      copy_range(from, to, 0, about.st_size);
      syscall(SYS_close, from);
      syscall(SYS_close, to);
    }
  }
  return at;
}

/* Whether this write may be done; notes it for the next sync. */
static int may_write(int fd, off_t from, off_t length) {
  char path[PATH_MAX];
  if (!concerns(fd, path)) return 1;
  struct stat about;
  int fails = control[2] && is_below(path, writes ? writes : folder);
  /* A full disk still takes what lies within a file. */
  if (fails && control[2] == ENOSPC) fails = !fstat(fd, &about) && from + length > about.st_size;
  if (fails) {
    errno = (int)control[2];
    return 0;
  }
  if (!durable) return 1;
  pthread_mutex_lock(&lock);
  int at = slot_of(fd, path);
  if (at >= 0) {
    if (from < dirty[at].from) dirty[at].from = from;
    if (from + length > dirty[at].to) dirty[at].to = from + length;
  }
  pthread_mutex_unlock(&lock);
  return 1;
}

static void synced(int fd) {
  char path[PATH_MAX];
  if (!concerns(fd, path)) return;
  if (control[1]) usleep((useconds_t)control[1] * 1000);
  __sync_fetch_and_add(&control[0], 1);
  if (!durable || control[4]) return;
  pthread_mutex_lock(&lock);
  int at = slot_of(fd, path);
  int to = at >= 0 ? shadow_of(path, O_RDWR | O_CREAT) : -1;
  if (to >= 0) {
    struct stat about;
    fstat(fd, &about);
    int from = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY, 0);
    if (dirty[at].from < dirty[at].to) copy_range(from, to, dirty[at].from, dirty[at].to);
    if (syscall(SYS_ftruncate, to, about.st_size)) abort();
    syscall(SYS_close, from);
    syscall(SYS_close, to);
    dirty[at].from = INT64_MAX;
    dirty[at].to = 0;
  }
  pthread_mutex_unlock(&lock);
}

int fdatasync(int fd) {
  int result = (int)syscall(SYS_fdatasync, fd);
  if (!result) synced(fd);
  return result;
}

int fsync(int fd) {
  int result = (int)syscall(SYS_fsync, fd);
  if (!result) synced(fd);
  return result;
}

ssize_t write(int fd, const void *bytes, size_t length) {
  off_t at = control ? lseek(fd, 0, SEEK_CUR) : 0;
  return may_write(fd, at < 0 ? 0 : at, (off_t)length) ? syscall(SYS_write, fd, bytes, length) : -1;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) {
  return may_write(fd, at, (off_t)length) ? syscall(SYS_pwrite64, fd, bytes, length, at) : -1;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) {
  return pwrite64(fd, bytes, length, at);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
  off_t length = 0;
  for (int i = 0; i < count; i++) length += (off_t)parts[i].iov_len;
  return may_write(fd, at, length) ? syscall(SYS_pwritev, fd, parts, count, at, 0L) : -1;
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) {
  return pwritev(fd, parts, count, at);
}

int posix_fallocate(int fd, off_t at, off_t length) {
  if (!may_write(fd, at, length)) return errno;
  return syscall(SYS_fallocate, fd, 0, at, length) ? errno : 0;
}

int posix_fallocate64(int fd, off64_t at, off64_t length) {
  return posix_fallocate(fd, at, length);
}

/* A log that begins anew is another file: what its forerunner held is gone for good. */
int unlink(const char *path) {
  int result = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
  if (!result && control && durable && is_below(path, folder)) {
    char shadow[PATH_MAX * 2];
    snprintf(shadow, sizeof shadow, "%s/%s", durable, strrchr(path, '/') + 1);
    syscall(SYS_unlinkat, AT_FDCWD, shadow, 0);
  }
  return result;
}

int clock_gettime(clockid_t clock, struct timespec *at) {
  int result = (int)syscall(SYS_clock_gettime, clock, at);
  if (!result && control && clock == CLOCK_REALTIME) at->tv_sec -= control[3];
  return result;
}
