"""`python -m examples.taxi_rides COMMAND`: every command of sf-police, on taxi rides."""

from examples.taxi_rides import QUESTION
from sf_police.cli import main

raise SystemExit(main(question=QUESTION, prog="python -m examples.taxi_rides"))
