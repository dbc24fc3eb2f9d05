"""`python -m sf_police`."""

from sf_police.cli import main

raise SystemExit(main())
