"""Which rounds are run, as the command line names them."""

from argparse import ArgumentTypeError

from tests.faults.fault import AnyFault
from tests.faults.faults import FAULTS
from tests.faults.fleet_faults import FLEET_FAULTS

ALL: tuple[AnyFault, ...] = (*FAULTS, *FLEET_FAULTS)
_BY_NAME = {fault.name: fault for fault in ALL}

Round = tuple[AnyFault, int]
"""A fault and its seed."""


def parse_faults(text: str) -> tuple[AnyFault, ...]:
    """`worker,api`: these faults. Raises `ArgumentTypeError`."""
    names = text.split(",")
    if unknown := [name for name in names if name not in _BY_NAME]:
        raise ArgumentTypeError(f"no such fault: {', '.join(unknown)}; there are {', '.join(_BY_NAME)}")
    return tuple(_BY_NAME[name] for name in names)


def parse_seed(text: str) -> Round:
    """`worker-17` is round 17 of the fault `worker`. Raises `ArgumentTypeError`."""
    name, _, number = text.rpartition("-")
    if name not in _BY_NAME or not number.isdecimal():
        raise ArgumentTypeError(
            f"{text!r} is no seed: one looks like {FAULTS[0].name}-17; faults are {', '.join(_BY_NAME)}"
        )
    return _BY_NAME[name], int(number)
