"""``python -m landvote`` is the command ``landvote``; torchrun starts modules by this form."""

from landvote.cli import main

if __name__ == "__main__":
    main()
