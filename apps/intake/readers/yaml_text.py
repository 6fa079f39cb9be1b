"""YAML parsing of untrusted input: safe tags only, and a size limit that counts expanded
aliases."""

from typing import Any

import yaml

from apps.intake.documents.records import UnreadableError

# with expanded aliases: an alias bomb of ten lines has a billion nodes
MAX_NODES = 200_000
MAX_DEPTH = 64
# in characters; YAML also has numbers in base 60, whose parsing time is quadratic in their length
MAX_NUMBER_LENGTH = 64
_NUMBER_TAGS = frozenset({"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"})


def load_documents(body: bytes, *, max_nodes: int = MAX_NODES) -> list[Any]:
    """Return all documents of a stream except empty ones.

    Raise UnreadableError, with the line, for invalid YAML and alias bombs."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(body)
    documents = []
    n_nodes_left = max_nodes
    try:
        while loader.check_node():
            node = loader.get_node()
            if node is None:
                continue
            n_nodes_left -= _count_expanded_nodes(node)
            if n_nodes_left < 0:
                raise UnreadableError(
                    f"The file has more than {max_nodes:,} values after its aliases are "
                    "expanded. Split it."
                )
            value = loader.construct_document(node)
            if value is not None:
                documents.append(value)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        location = f" at line {mark.line + 1}" if mark is not None else ""
        raise UnreadableError(
            f"The YAML cannot be read{location}: "
            f"{getattr(error, 'problem', None) or 'syntax error'}."
        ) from None
    except (ValueError, OverflowError, RecursionError) as error:
        raise UnreadableError(f"The YAML cannot be read: {error}.") from None
    finally:
        loader.dispose()
    return documents


def _count_expanded_nodes(root: yaml.Node) -> int:
    """Return the number of nodes with every alias expanded. Raise UnreadableError for a cycle, or
    if the nesting is too deep."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()

    def size(node: yaml.Node, depth: int) -> int:
        """Return the number of nodes below and including `node`, with each alias counted as its
        target. Raises UnreadableError if the YAML is nested too deeply, refers to itself or has a
        number that is too long."""
        cached_size = sizes.get(id(node))
        if cached_size is not None:
            return cached_size
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
        children: list[yaml.Node] = []
        if isinstance(node, yaml.MappingNode):
            children = [child for entry in node.value for child in entry]
        elif isinstance(node, yaml.SequenceNode):
            children = node.value
        total = 1 + sum(size(child, depth + 1) for child in children)
        open_nodes.discard(id(node))
        sizes[id(node)] = total
        return total

    return size(root, 0)
