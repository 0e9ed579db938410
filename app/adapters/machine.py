"""How busy this machine is, from psutil."""

import psutil


class PsutilMachine:
    """`Machine` on the real one."""

    def __init__(self) -> None:
        psutil.cpu_percent()  # the first call starts the measurement and answers 0

    def usage(self) -> tuple[float, float]:
        return psutil.cpu_percent(), psutil.virtual_memory().percent
