"""Writes the frozen samples of sealing with another implementation: Python's `cryptography` (OpenSSL)."""

from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HERE = Path(__file__).parent
PLAIN = b"a body of the first sealed version"


def write(name: str, data: bytes) -> None:
    text = data.hex()
    rows = [text[at : at + 64] for at in range(0, len(text), 64)]
    (HERE / name).write_text("\n".join(rows) + "\n")


key, nonce = bytes([1] * 32), bytes([2] * 12)
subject, event_id = bytes([1] * 16), bytes([2] * 16)
body = AESGCM(key).encrypt(nonce, PLAIN, b"\x81" + subject + event_id)
write("body.hex", b"\x81" + nonce + body)
blob = AESGCM(key).encrypt(nonce, PLAIN, b"snapshots/sample")
write("blob.hex", b"\x82" + nonce + blob)
wrapped = AESGCM(bytes([5] * 32)).encrypt(bytes([3] * 12), bytes([7] * 32), subject)
write("wrapped.hex", bytes([3] * 12) + wrapped)
