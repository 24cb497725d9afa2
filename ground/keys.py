"""The service's own secret, and what is made from it: form tokens and signed cookies."""

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path


class Keys:
    """Made from one random file in the data folder, readable by its owner only."""

    def __init__(self, secret: bytes) -> None:
        """Use `open_keys`."""
        self._secret = secret

    def sign(self, purpose: str, text: str) -> str:
        """A token that only this service can make for `text`, usable for `purpose` alone."""
        mac = hmac.new(self._secret, f"{purpose}\0{text}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(mac[:18]).decode()

    def check(self, purpose: str, text: str, token: str) -> bool:
        """Whether `token` is the one for `text`."""
        return hmac.compare_digest(self.sign(purpose, text).encode(), token.encode())

    def seal(self, purpose: str, text: str) -> str:
        """`text` with its token, fit for a cookie."""
        body = base64.urlsafe_b64encode(text.encode()).decode()
        return f"{body}.{self.sign(purpose, body)}"

    def unseal(self, purpose: str, sealed: str) -> str | None:
        """The text of a sealed one, or None when it is not ours."""
        body, _, token = sealed.partition(".")
        if not token or not self.check(purpose, body, token):
            return None
        return base64.urlsafe_b64decode(body.encode()).decode()


def open_keys(folder: Path) -> Keys:
    """The keys of the data folder; made on the first start."""
    path = folder / "keys" / "secret.key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(descriptor, secrets.token_bytes(32))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        fresh.rename(path)
    return Keys(path.read_bytes())
