"""Nothing secret is where others look: addresses, the log, storage, support data, the state folder."""

import re

SUPPORT = [
    "/api/v1/backup",
    "/api/v1/state",
    "/api/v1/devices",
    "/api/v1/audit",
    "/api/v1/machine",
    "/api/v1/settings",
    "/api/v1/sessions",
    "/api/v1/faults",
    "/api/v1/lease",
    "/api/v1/me",
    "/api/v1/pairing",
    "/api/v1/pairing/window",
    "/metrics",
    "/api/v1/log?level=trace&count=2000",
    "/api/v1/support",
]
TIMES = re.compile(r"^\S+T[\d:.]+Z ", re.MULTILINE)


def found(secret, text):
    """True if it is there, and not as a part of a longer number."""
    if secret not in text:
        return False
    return re.search(rf"(?<![\d.]){re.escape(secret)}(?!\d)", text) is not None


def leaks(secrets, places):
    """The kinds of secrets that are in the texts of these places."""
    found_in = {(kind, place) for place, text in places.items() for secret, kind in secrets.items() if found(secret, text)}
    return sorted(f"{kind} in {place}" for kind, place in found_in)


def no_secret_is_anywhere(bench):
    traffic = bench.traffic
    assert traffic.secrets and traffic.urls and traffic.storage, "there is nothing to look for"
    places = {f"GET {path}": str(bench.server.ask("GET", path)) for path in SUPPORT}
    places["an address that was asked for"] = "\n".join(traffic.urls)
    # What scripts of the page can read.
    places["storage, document.cookie or the address of a page"] = "\n".join(traffic.storage)
    places["the log"] = TIMES.sub("", "\n".join([bench.server.log(), *traffic.logs]))
    for file in bench.server.state_dir.rglob("*"):
        if file.is_file():
            places[f"the file {file.name}"] = file.read_bytes().decode("latin-1")
    assert leaks(traffic.secrets, places) == []
    # The search is worth something: each kind is found where it is planted.
    kinds = set(traffic.secrets.values())
    for place in places:
        for kind in kinds:
            secret = next(secret for secret, known in traffic.secrets.items() if known == kind)
            planted = {place: places[place] + f'"x": "{secret}"'}
            assert leaks({secret: kind}, planted) == [f"{kind} in {place}"]
    lines = places["the log"].count("\n")
    bench.say(
        f"{len(traffic.secrets)} secrets ({', '.join(sorted(kinds))}) are in none of {len(traffic.urls)} addresses, "
        f"{lines} lines of log, storage, {len(SUPPORT)} answers for support and the state folder"
    )
