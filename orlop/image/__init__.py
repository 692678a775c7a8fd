"""Images: configs, names and the verbs that move them (pull, push, load, save, import, rmi …).

What it is for: dockerd's image store on disk (`imagedb`, `repositories.json`, `distribution`) and
everything that makes, names, moves or removes an image. What not: no layer contents (storage), no
HTTP (registry), no containers.

Invariant: an image is listed only when its config and every layer below it are complete and on
disk; a name is set last and removed first; every byte was hashed before it was believed.
"""
