"""Which IP addresses a connection of ours may go to: a table of our own, and no look-up.

The table is written out because ``ipaddress.is_private`` and its kin changed their minds between
Python releases, and because none of them knows where clouds keep their metadata.
"""

from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address


class Reach(Enum):
    """How far away an address is."""

    PUBLIC = "public"
    PRIVATE = "private"
    LOOPBACK = "loopback"
    NEVER = "never"  # link-local, metadata, multicast, unspecified, reserved, documentation


# The first entry that contains an address decides, so the narrow ones stand first.
IPV4: tuple[tuple[IPv4Network, Reach], ...] = (
    (IPv4Network("100.100.100.200/32"), Reach.NEVER),  # metadata of Alibaba Cloud
    (IPv4Network("168.63.129.16/32"), Reach.NEVER),  # metadata and agent of Azure
    (IPv4Network("0.0.0.0/8"), Reach.NEVER),  # "this host": Linux connects it to loopback
    (IPv4Network("10.0.0.0/8"), Reach.PRIVATE),
    (IPv4Network("100.64.0.0/10"), Reach.PRIVATE),  # carrier-grade NAT, overlay networks
    (IPv4Network("127.0.0.0/8"), Reach.LOOPBACK),
    (IPv4Network("169.254.0.0/16"), Reach.NEVER),  # link-local, metadata of most clouds
    (IPv4Network("172.16.0.0/12"), Reach.PRIVATE),
    (IPv4Network("192.0.0.0/24"), Reach.NEVER),  # protocol assignments, metadata of Oracle
    (IPv4Network("192.0.2.0/24"), Reach.NEVER),  # documentation
    (IPv4Network("192.88.99.0/24"), Reach.NEVER),  # relays of 6to4, withdrawn
    (IPv4Network("192.168.0.0/16"), Reach.PRIVATE),
    (IPv4Network("198.18.0.0/15"), Reach.NEVER),  # benchmarks
    (IPv4Network("198.51.100.0/24"), Reach.NEVER),  # documentation
    (IPv4Network("203.0.113.0/24"), Reach.NEVER),  # documentation
    (IPv4Network("224.0.0.0/3"), Reach.NEVER),  # multicast, reserved, broadcast
    (IPv4Network("0.0.0.0/0"), Reach.PUBLIC),
)
IPV6: tuple[tuple[IPv6Network, Reach], ...] = (
    (IPv6Network("::1/128"), Reach.LOOPBACK),
    (IPv6Network("fd00:ec2::/32"), Reach.NEVER),  # metadata of Amazon
    (IPv6Network("fd20:ce::/32"), Reach.NEVER),  # metadata of Google
    (IPv6Network("fc00::/7"), Reach.PRIVATE),
    (IPv6Network("2001::/23"), Reach.NEVER),  # protocol assignments, Teredo among them
    (IPv6Network("2001:db8::/32"), Reach.NEVER),  # documentation
    (IPv6Network("3fff::/20"), Reach.NEVER),  # documentation
    (IPv6Network("2000::/3"), Reach.PUBLIC),
    (IPv6Network("::/0"), Reach.NEVER),  # link-local, multicast, and what is not given out
)
# IPv6 addresses that mean an IPv4 address, and where in their 128 bits it begins.
CARRIERS: tuple[tuple[IPv6Network, int], ...] = (
    (IPv6Network("::ffff:0:0/96"), 96),  # mapped
    (IPv6Network("::ffff:0:0:0/96"), 96),  # translated (RFC 2765)
    (IPv6Network("64:ff9b::/96"), 96),  # NAT64, well known
    (IPv6Network("2002::/16"), 16),  # 6to4
)


def reach(text: str) -> Reach:
    """How far ``text`` is; what is no plain address (a zone, a name, ``127.1``) is NEVER."""
    try:
        address = ip_address(text)
    except ValueError:
        return Reach.NEVER
    if isinstance(address, IPv6Address):
        return Reach.NEVER if address.scope_id else _reach_6(address)
    return _reach_4(address)


def may_connect(text: str, *, is_loopback_named: bool) -> bool:
    """Whether a listed server may have this address.

    Public and private ones, loopback only where the list names a loopback host, and nothing else.
    """
    match reach(text):
        case Reach.PUBLIC | Reach.PRIVATE:
            return True
        case Reach.LOOPBACK:
            return is_loopback_named
        case Reach.NEVER:
            return False


def _reach_4(address: IPv4Address) -> Reach:
    return next(reach for network, reach in IPV4 if address in network)


def _reach_6(address: IPv6Address) -> Reach:
    for network, begins in CARRIERS:
        if address in network:
            return _reach_4(IPv4Address(int(address) >> (96 - begins) & 0xFFFFFFFF))
    return next(reach for network, reach in IPV6 if address in network)
