"""YAML, read strictly: mappings, lists and texts with their places, and nothing else.

Built on PyYAML's events, never on its constructors: no anchors or aliases, no tags, no key given
twice, no merge keys, bounded in size, depth and number of values. Every value stays text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from core.policy.errors import PolicyError, Pos

MAX_BYTES = 1 << 20
MAX_DEPTH = 64
MAX_NODES = 200_000
MAX_SCALAR = 2_000
MAX_KEY = 200


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar. `plain` tells `5` from `"5"`; `start` is where its first character stands."""

    value: str
    plain: bool
    at: Pos
    start: Pos


@dataclass(frozen=True, slots=True)
class Listing:
    items: list[Node]
    at: Pos


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys in the order written; `keys` keeps each key with its place."""

    values: dict[str, Node]
    keys: dict[str, Text]
    at: Pos

    def place(self, key: str) -> Pos:
        return self.keys[key].at if key in self.keys else self.at


Node = Text | Listing | Mapping


@dataclass(slots=True)
class _Open:
    """A list or mapping that is being read; `key` waits for its value."""

    node: Listing | Mapping
    key: Text | None = None


def read(text: str | bytes) -> Mapping:
    """The one mapping that `text` holds. Raises `PolicyError` for anything else."""
    source = _decoded(text)
    reader = _Reader()
    try:
        for event in _events(source):
            reader.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = Pos(mark.line + 1, mark.column + 1) if mark else Pos(1, 1)
        raise PolicyError(f"this is not YAML: {error.problem or error.context}", at) from None
    except yaml.YAMLError as error:
        raise PolicyError(f"this is not YAML: {str(error)[:120]}", Pos(1, 1)) from None
    if not isinstance(reader.root, Mapping):
        raise PolicyError("a policy is a mapping that begins with `policy: its-name`", Pos(1, 1))
    return reader.root


def _decoded(text: str | bytes) -> str:
    if len(text) > MAX_BYTES:
        raise PolicyError(f"the document is larger than {MAX_BYTES >> 10} KiB; split it", Pos(1, 1))
    try:
        source = text.decode("utf-8") if isinstance(text, bytes) else text
        source.encode("utf-8")
    except UnicodeError:
        raise PolicyError("the document is not UTF-8 text; save it as UTF-8", Pos(1, 1)) from None
    return source


def _events(source: str) -> Iterator[yaml.Event]:
    # libyaml's parser where PyYAML was built with it (ten times faster), the Python one otherwise.
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    yield from yaml.parse(source, Loader=loader)


class _Reader:
    def __init__(self) -> None:
        self.root: Node | None = None
        self._open: list[_Open] = []
        self._count = 0

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            if self.root is not None:
                raise PolicyError("one document a file; remove the second `---`", _pos(event))
        elif isinstance(event, yaml.NodeEvent):
            self._node(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()

    def _node(self, event: yaml.NodeEvent) -> None:
        at = _pos(event)
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise PolicyError("anchors and aliases (& and *) are not allowed; write it out", at)
        if getattr(event, "tag", None) is not None:
            raise PolicyError("tags (!) are not allowed; remove the tag", at)
        self._count += 1
        if self._count > MAX_NODES:
            raise PolicyError(f"more than {MAX_NODES} values; split the policy", at)
        if isinstance(event, yaml.ScalarEvent):
            self._place(_text(event, at))
            return
        sequence = isinstance(event, yaml.SequenceStartEvent)
        node = Listing([], at) if sequence else Mapping({}, {}, at)
        self._place(node)
        if len(self._open) >= MAX_DEPTH:
            raise PolicyError(f"nested deeper than {MAX_DEPTH} levels", at)
        self._open.append(_Open(node))

    def _place(self, node: Node) -> None:
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        if isinstance(parent.node, Listing):
            parent.node.items.append(node)
        elif parent.key is None:
            parent.key = _key(node, parent.node)
        else:
            parent.node.values[parent.key.value] = node
            parent.node.keys[parent.key.value] = parent.key
            parent.key = None


def _key(node: Node, parent: Mapping) -> Text:
    if not isinstance(node, Text):
        raise PolicyError("a key is a word, not a list or a mapping", node.at)
    if len(node.value) > MAX_KEY:
        raise PolicyError(f"a key longer than {MAX_KEY} characters", node.at)
    if node.value == "<<":
        raise PolicyError("merge keys (<<) are not allowed; write it out", node.at)
    if node.value in parent.values:
        first = parent.keys[node.value].at.line
        raise PolicyError(f"{node.value!r} is given twice (first in line {first})", node.at)
    return node


def _text(event: yaml.ScalarEvent, at: Pos) -> Text:
    if len(event.value) > MAX_SCALAR:
        raise PolicyError(f"a text longer than {MAX_SCALAR} characters", at)
    plain = event.style in (None, "", "|", ">")
    start = at if event.style in (None, "") else at.shifted(1)
    return Text(event.value, plain, at, start)


def _pos(event: yaml.Event) -> Pos:
    mark = event.start_mark
    return Pos(mark.line + 1, mark.column + 1) if mark else Pos(1, 1)
