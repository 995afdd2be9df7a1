"""`python -m rgnet` is the command `rgnet`."""

from rgnet.cli import main

if __name__ == "__main__":
    main()
