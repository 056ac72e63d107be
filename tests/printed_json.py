"""What --json prints, as plain values: a second reader of the format, beside `kapitza.load`."""

import json
from typing import Any

import numpy as np


def printed(text: str) -> dict[str, Any]:
    """The records of an output by name, or the attributes of one, with the derived numbers beside them."""
    tree = json.loads(text)
    return {**_plain(tree["result"]), **tree.get("derived", {})} if "format" in tree else tree


def _plain(node: Any) -> Any:
    """A value without its marks: arrays and tuples as lists, mappings as they are."""
    if not isinstance(node, dict):
        return node
    if "data" in node:
        pair = [2] if node["$array"] == "<c16" else []
        return np.array(node["data"], dtype=object).reshape(node["shape"] + pair).tolist()
    if "$float" in node:
        return node["$float"]
    if "$items" in node:
        return [_plain(item) for item in node["$items"]]
    return {key: _plain(item) for key, item in node.get("$mapping", node).items()}
