"""Every store of ours is held to the contract."""

from stem_core.testing.contract import *  # noqa: F403 - the suite is the module's whole content
