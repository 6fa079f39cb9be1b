"""YAML parsing of untrusted input: safe tags only, and a size limit that counts expanded
aliases."""

from typing import Any

import yaml

from apps.intake.documents.records import UnreadableError

# as written out; a bomb of ten lines has a billion
MAX_NODES = 200_000
MAX_DEPTH = 64
# signs of a number; YAML also has numbers to the base of 60, which take the square of their length
# to read
MAX_NUMBER_LENGTH = 64
_NUMBER_TAGS = frozenset({"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"})


def load_documents(body: bytes, *, most_nodes: int = MAX_NODES) -> list[Any]:
    """Return every document of a stream, empty ones left out.

    UnreadableError, with the line, if it is broken or an alias bomb."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(body)
    found = []
    left = most_nodes
    try:
        while loader.check_node():
            node = loader.get_node()
            if node is None:
                continue
            left -= _count_expanded_nodes(node)
            if left < 0:
                raise UnreadableError(
                    f"The file has more than {most_nodes:,} values after its aliases are "
                    "expanded. Split it."
                )
            value = loader.construct_document(node)
            if value is not None:
                found.append(value)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark is not None else ""
        raise UnreadableError(
            f"The YAML cannot be read{where}: {getattr(error, 'problem', None) or 'syntax error'}."
        ) from None
    except (ValueError, OverflowError, RecursionError) as error:
        raise UnreadableError(f"The YAML cannot be read: {error}.") from None
    finally:
        loader.dispose()
    return found


def _count_expanded_nodes(root: yaml.Node) -> int:
    """Count the nodes as if every alias were a copy; a cycle or too deep a nesting is
    UnreadableError."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()

    def size(node: yaml.Node, depth: int) -> int:
        known = sizes.get(id(node))
        if known is not None:
            return known
        if depth > MAX_DEPTH:
            raise UnreadableError(
                f"The YAML is nested more than {MAX_DEPTH} levels deep. Check the file."
            )
        if id(node) in open_nodes:
            raise UnreadableError("The YAML refers to itself. Remove the circular alias.")
        if (
            isinstance(node, yaml.ScalarNode)
            and node.tag in _NUMBER_TAGS
            and len(node.value) > MAX_NUMBER_LENGTH
        ):
            raise UnreadableError(
                f"The YAML has a number of {len(node.value):,} digits at line "
                f"{node.start_mark.line + 1}; at most {MAX_NUMBER_LENGTH} are read. Put it in "
                "quotes if it is a text."
            )
        open_nodes.add(id(node))
        inner: list[yaml.Node] = []
        if isinstance(node, yaml.MappingNode):
            inner = [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            inner = node.value
        total = 1 + sum(size(part, depth + 1) for part in inner)
        open_nodes.discard(id(node))
        sizes[id(node)] = total
        return total

    return size(root, 0)
