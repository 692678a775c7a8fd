"""A data root changes hands: from dockerd to orlop (adopt) and back (hand_back).

For: what the two write differently, volumes and networks, which dockerd keeps in bbolt files. Not
for: layers, images, containers, whose files are the same. Invariant: what dockerd wrote and orlop
does not understand comes back as it was; in a root that was dockerd's only what orlop made is ever
swept away.
"""
