"""``python -m app.cli``."""

from app.cli import main

if __name__ == "__main__":  # a worker that is spawned imports this once more
    main()
