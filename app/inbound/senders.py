"""What speaks against a sender being who they seem: what our own mail server found, and names that pretend. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from app.email.addresses import Address

_RESULT = re.compile(r"(?i)(?:^|[;\s])(spf|dkim|dmarc)\s*=\s*([a-z]+)")
_BAD = {"dmarc": {"fail"}, "spf": {"fail"}, "dkim": {"fail"}}
_ADDRESS = re.compile(r"[\w.+%-]{1,64}@[\w.-]{1,200}\.[\w-]{2,30}")


def warnings(
    sender: Address, *, results: Sequence[str], trusted: Collection[str], reply_to: Iterable[Address]
) -> tuple[str, ...]:
    """Sentences for the ticket page. results: Authentication-Results headers, the newest first; only those that a host
    of `trusted` wrote count, since anybody can write one into their own mail.
    """
    said: list[str] = []
    failed = _failed(results, {host.lower() for host in trusted})
    if failed:
        said.append(
            f"{' and '.join(failed)} failed: our mail server could not confirm that this comes from {sender.email}."
        )
    named = _ADDRESS.search(sender.name)
    if named is not None and named[0].lower() != sender.email.lower():
        said.append(f"The sender's name looks like the address {named[0]}, but the mail is from {sender.email}.")
    if any(ord(char) in _INVISIBLE for char in sender.name):
        said.append("The sender's name holds invisible characters or marks that turn its direction.")
    domain = sender.email.rpartition("@")[2]
    if domain.startswith("xn--") or ".xn--" in domain:
        said.append(f"The sender's domain {domain} is written in letters that can look like others.")
    other = [one.email for one in reply_to if one.email.rpartition("@")[2] != domain]
    if other:
        said.append(f"Answers were asked to go to {other[0]}; they go to {sender.email}.")
    return tuple(said)


def named(sender: Address) -> Address:
    """The sender without a name that pretends to be another address, or hides marks: no contact gets such a name."""
    found = _ADDRESS.search(sender.name)
    pretends = found is not None and found[0].lower() != sender.email.lower()
    if pretends or any(ord(char) in _INVISIBLE for char in sender.name):
        return Address("", sender.email)
    return sender


def _failed(results: Sequence[str], trusted: Collection[str]) -> list[str]:
    for value in results:
        host, _, rest = value.partition(";")
        if host.split()[:1] and host.split()[0].lower() in trusted:
            found = {name.lower(): result.lower() for name, result in _RESULT.findall(f";{rest}")}
            if found.get("dmarc") == "pass":
                return []
            return [name.upper() for name, bad in _BAD.items() if found.get(name) in bad]
    return []


_INVISIBLE = {0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x2060, 0xFEFF, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
