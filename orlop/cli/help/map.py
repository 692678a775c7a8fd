"""`help --map`: the article's picture of the commands, as text: what moves things where."""

_MAP = """\
                                   registry
                     search, tags     |  ^    login, logout
                                 pull |  | push
                                      v  |
   tar archive --- load, import -->  image  --- save --> tar archive
   bootstrap ---------------------->   |       images, image inspect, history,
   tag, rmi, image prune               |       image verify, image chainid, layers show
                                       |
                          create, run  |  ^  commit
                                       v  |
   tar archive <-- export --------  container  <-- cp --> files
                                       |          ps, inspect, logs, diff, port,
                                       |          top, stats, rename, update
                                       |
     created --- start --> running --- pause ----> paused
                            |  ^  ^                  |
      stop, kill, PID 1 ends|  |  +---- unpause -----+
                            v  |
                          exited  -- start, restart     rm, container prune --> gone
                            |
                       wait: exit code

     run = create + attach + start        in a running one: exec (exec ls, exec kill), attach

   network   create ls inspect connect disconnect rm prune
   volume    create ls inspect rm prune
   system    info version events df prune
   theory    overlay demo
   exchange  registry serve
"""


def draw(colour: bool) -> str:
    """The map; the three nouns stand out on a terminal."""
    if not colour:
        return _MAP
    text = _MAP
    for noun in (" registry", " image ", " container "):
        text = text.replace(noun, f"\x1b[1m{noun}\x1b[0m", 1)
    return text
