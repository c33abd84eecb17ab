"""How connections to stores are secured."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from stem_core.errors import ConfigurationError
from stem_core.text import visible

if TYPE_CHECKING:
    import ssl

_LONGEST_PATH: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsConfig:
    """What stores whose URL asks for TLS are verified against, and what this process shows of itself.

    By default the server's certificate must be signed by an authority that the system trusts, for the host in the URL.

    Args:
        ca_cert: Path of a PEM file with further authorities to trust.
        client_cert: Path of a PEM file with the certificate to show to the server.
        client_key: Path of its private key; None if the certificate's file holds it too.
        allow_insecure: Verify neither the certificate nor the host: whoever is on the way can read and change all.
    """

    ca_cert: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    allow_insecure: bool = False

    def context(self) -> ssl.SSLContext:
        """Return what the standard library takes.

        Raises:
            ConfigurationError: A file does not hold what it should.
        """
        import ssl  # noqa: PLC0415 - only those whose URL asks for TLS need it

        context = ssl.create_default_context()
        try:
            if self.ca_cert is not None:
                context.load_verify_locations(self.ca_cert)
        except (ssl.SSLError, OSError) as error:
            raise _unfit("STEM_TLS_CA_CERT", self.ca_cert, error) from error
        try:
            if self.client_cert is not None:
                context.load_cert_chain(self.client_cert, self.client_key)
        except (ssl.SSLError, OSError) as error:
            place = " and ".join(filter(None, (self.client_cert, self.client_key)))
            raise _unfit("STEM_TLS_CLIENT_CERT with STEM_TLS_CLIENT_KEY", place, error) from error
        if self.allow_insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def _unfit(name: str, place: str | None, error: OSError) -> ConfigurationError:
    said = visible(getattr(error, "reason", None) or error.strerror or str(error), 120)
    return ConfigurationError(
        f"{name} is {visible(place or '')!r}, which does not fit: {said}", "name PEM files that do"
    )


def check_file(name: str, path: str) -> str:
    """Return the path of a file that can be read.

    Args:
        name: What is being set, for the error message.
        path: What it is set to; `~` is the home directory.

    Raises:
        ConfigurationError: There is no such file, or this user may not read it.
    """
    if len(path) > _LONGEST_PATH or "-----" in path or "\n" in path:
        # Somebody may have put the key itself there: nothing of it is shown.
        raise ConfigurationError(f"{name} is no path of a file", "name a PEM file, not what is in it")
    place = Path(path).expanduser()
    if not place.is_file():
        raise ConfigurationError(f"{name} is {visible(path)!r}, which is not a file", "name a PEM file")
    if not os.access(place, os.R_OK):
        raise ConfigurationError(f"{name} is {visible(path)!r}, which may not be read", "let this user read it")
    return str(place)
