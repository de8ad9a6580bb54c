#!/usr/bin/env python3
"""Checks a proof of `clm-export --prove` by RFC 9162, 2.1.3.2 and 2.1.4.2, with nothing of clm.

    proof_check.py PROOF.json [ROOT]      ROOT: one that was told before, in hex

Prints what is proved; exit status 1 where it is not."""
import hashlib
import json
import sys


def sha256(b):
    return hashlib.sha256(b).digest()


def climb(fn, sn, hashes, fr, sr):
    """Both walks: fr is the old root (or the leaf's path), sr the new one."""
    for c in hashes:
        if sn == 0:
            raise ValueError("the proof is too long")
        if fn & 1 or fn == sn:
            fr, sr = sha256(b"\1" + c + fr), sha256(b"\1" + c + sr)
            while fn != 0 and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = sha256(b"\1" + sr + c)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:
        raise ValueError("the proof is too short")
    return fr, sr


def check(proof, known_root=None):
    root, size = bytes.fromhex(proof["root"]), proof["tree_size"]
    hashes = [bytes.fromhex(h) for h in proof["hashes"]]
    if known_root is not None and root != known_root:
        raise ValueError("the root is another")
    if proof["type"] == "inclusion_proof":
        entry = bytes.fromhex(proof["canonical"])
        leaf = sha256(b"\0" + entry)
        if proof["entry"] >= size or climb(proof["entry"], size - 1, hashes, leaf, leaf)[1] != root:
            raise ValueError("the entry is not in the tree")
        if sha256(entry[33:]).hex() != proof["sha256"]:
            raise ValueError("the entry holds another certificate")
        return "certificate %s is entry %d of %d" % (proof["sha256"], proof["entry"], size)
    old, old_root = proof["old_size"], bytes.fromhex(proof["old_root"])
    if old == size and (hashes or old_root != root):
        raise ValueError("the same size, another tree")
    if old < size:
        if old & (old - 1) == 0:
            hashes.insert(0, old_root)
        fn, sn = old - 1, size - 1
        while fn & 1:
            fn, sn = fn >> 1, sn >> 1
        if climb(fn, sn, hashes[1:], hashes[0], hashes[0]) != (old_root, root):
            raise ValueError("the old tree is not the begin of the new one")
    return "the first %d entries of %d are those that they were" % (old, size)


if __name__ == "__main__":
    try:
        print(check(json.load(open(sys.argv[1])), bytes.fromhex(sys.argv[2]) if len(sys.argv) > 2 else None))
    except (ValueError, KeyError, IndexError) as wrong:
        sys.exit("not proved: %s" % wrong)
