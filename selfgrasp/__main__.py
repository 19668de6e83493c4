"""`python -m selfgrasp` is `selfgrasp`."""

import sys

from selfgrasp.cli import main

sys.exit(main())
