"""Image stores that other engines wrote, as directories: read, verified, never written.

open_store(path)  the store below a directory      each image: config, names, layers as archives
"""
