"""A board's end of the link that is wrong on purpose, to show that a harness would notice."""

from firmware_protocol.device import DeviceLink


class CarelessLink(DeviceLink):
    """Takes frames of any session, and so those that a dead host left behind."""

    def is_current(self, session: int) -> bool:
        return self.session != 0
