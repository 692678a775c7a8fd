"""`logs`."""

from orlop.cli.failure import Failure
from orlop.cli.options import Options
from orlop.cli.out import write
from orlop.cli.session import Session
from orlop.cli.stream import Frames
from orlop.client.transport import query, quote


def logs(session: Session, options: Options) -> None:
    client = session.client
    record = client.call("GET", f"/containers/{quote(options.args[0])}/json")
    response = client.open(
        "GET",
        f"/containers/{record['Id']}/logs"
        + query(
            {
                "details": options.flag("details"),
                "follow": options.flag("follow"),
                "orlop-together": True,  # a frame need not be a line: nobody looks at frames here
                "since": _time("since", options),
                "stderr": True,
                "stdout": True,
                "tail": options.text("tail", "all"),
                "timestamps": options.flag("timestamps"),
                "until": _time("until", options),
            }
        ),
    )
    frames = Frames({1: 1, 2: 2})
    tty = record["Config"]["Tty"]
    for data in response.chunks():
        if tty:
            write(1, data)
        else:
            frames.feed(data)
    if frames.failure:
        raise Failure("error from daemon in stream: " + frames.failure)


def _time(name: str, options: Options) -> str:
    """Seconds for the API. Raises Failure."""
    text = options.text(name)
    if not text:
        return ""
    from orlop.cli.timestamp import parse

    try:
        return parse(text)
    except Failure as e:
        raise Failure(f'invalid value for "{name}": {e.message}') from None
