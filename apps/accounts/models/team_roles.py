"""Team roles by user. The process caches the tree of teams, but not the memberships.

A role on a team applies to every team below it. Every request that shows rows by team needs the
roles, and walking down to two thousand teams in the database took longer than the requested list.
One statement reads the memberships and the tree's fingerprint, both of one moment, and the tree
itself only if its fingerprint differs from the cached one; so a change of either applies from the
next request on. For a request with a token, the statement that looks up the token reads them too.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from apps.common.database.prepared_statements import prepared_cursor

type Roles = dict[int, int]  # {team ID: rank of the strongest role}
type _Memberships = tuple[tuple[int, int], ...]  # (team ID, rank) of a user's memberships

# of cached results; roles on all teams of a large organisation take some 100 kB
_MAX_CACHED_ROLES = 32

# a fingerprint consists of the number of teams and a sum of 64-bit hashes, one for each pair of
# team and parent
_PRINT = "count(*) || ':' || coalesce(sum(hashint8extended(id, coalesce(parent_id, 0))), 0)"
_MEMBERSHIPS_AND_TREE = f"""
SELECT tree.print,
       ARRAY(SELECT m.team_id FROM accounts_membership m WHERE m.user_id = %(user)s::bigint ORDER BY m.team_id),
       ARRAY(SELECT m.role::int FROM accounts_membership m WHERE m.user_id = %(user)s::bigint ORDER BY m.team_id),
       -- the tree itself, unless the caller knows it: team IDs, and their parents in the same order
       CASE WHEN tree.print <> %(known)s::text THEN ARRAY(SELECT id FROM accounts_team ORDER BY id) END,
       CASE WHEN tree.print <> %(known)s::text
            THEN ARRAY(SELECT coalesce(parent_id, 0) FROM accounts_team ORDER BY id) END
FROM (SELECT {_PRINT} AS print FROM accounts_team) tree
"""  # noqa: E501  the inserted text is a constant

# for a statement that reads a user `u`: the same columns without the tree, empty unless `{needed}`
STATE_COLUMNS = """tree.print,
       CASE WHEN {needed} THEN ARRAY(
           SELECT m.team_id FROM accounts_membership m WHERE m.user_id = u.id ORDER BY m.team_id) END,
       CASE WHEN {needed} THEN ARRAY(
           SELECT m.role::int FROM accounts_membership m WHERE m.user_id = u.id ORDER BY m.team_id) END"""  # noqa: E501
STATE_JOIN = f"""CROSS JOIN LATERAL (
    SELECT {_PRINT} AS print FROM accounts_team WHERE {{needed}}
) tree"""
N_STATE_COLUMNS = 3


@dataclass(slots=True)
class _Tree:
    """The tree of all teams at one moment, with cached roles of users."""

    fingerprint: str
    children: Mapping[int, Sequence[int]]
    roles_by_key: OrderedDict[tuple[int, int, _Memberships], Roles] = field(
        default_factory=OrderedDict
    )

    def subtree(self, team_ids: Iterable[int]) -> list[int]:
        """Return the IDs of these teams and of every team below them, without duplicates; stops at
        cycles."""
        subtree_ids = dict.fromkeys(team_ids)
        pending_ids = list(subtree_ids)
        while pending_ids:
            for team_id in self.children.get(pending_ids.pop(), ()):
                if team_id not in subtree_ids:
                    subtree_ids[team_id] = None
                    pending_ids.append(team_id)
        return list(subtree_ids)

    def get_roles(self, key: tuple[int, int, _Memberships], compute: Callable[[], Roles]) -> Roles:
        roles = self.roles_by_key.get(key)
        if roles is None:
            roles = self.roles_by_key[key] = compute()
            while len(self.roles_by_key) > _MAX_CACHED_ROLES:
                self.roles_by_key.popitem(last=False)
        return roles.copy()


_cached_tree = _Tree("", {})


@dataclass(frozen=True, slots=True)
class MembershipState:
    """A user's memberships and the tree of teams, both of one moment."""

    tree: _Tree
    memberships: _Memberships

    @property
    def key(self) -> Hashable:
        """Return a short value that is equal if the roles are equal."""
        return self.tree.fingerprint, self.memberships

    def held_roles(self) -> Roles:
        """Return {team ID: rank}, with roles inherited down the tree."""
        return self.tree.get_roles(
            (0, 0, self.memberships), lambda: _inherit_roles(self.tree, self.memberships)
        )

    def bound_roles(self, team_id: int, minimum_rank: int) -> Roles:
        """Return `held_roles` restricted to `team_id` and the teams below, where the user has at
        least `minimum_rank`; teams without a role are left out."""
        return self.tree.get_roles(
            (team_id, minimum_rank, self.memberships),
            lambda: _restrict_roles(self.tree, self.memberships, team_id, minimum_rank),
        )


def held_roles(user_id: int) -> Roles:
    """Return {team ID: rank}, with roles inherited down the tree; one statement."""
    return read_membership_state(user_id).held_roles()


def bound_roles(user_id: int, team_id: int, minimum_rank: int) -> Roles:
    """Return `held_roles` restricted to `team_id` and the teams below, where the user has at least
    `minimum_rank`; teams without a role are left out. One statement."""
    return read_membership_state(user_id).bound_roles(team_id, minimum_rank)


def state_from_columns(
    fingerprint: str, team_ids: Sequence[int] | None, ranks: Sequence[int] | None
) -> MembershipState | None:
    """Return the state that STATE_COLUMNS describe; None if they are empty, or if the tree has
    changed and must be read."""
    tree = _cached_tree
    if team_ids is None or ranks is None or fingerprint != tree.fingerprint:
        return None
    return MembershipState(tree, tuple(zip(team_ids, ranks, strict=True)))


def read_membership_state(user_id: int) -> MembershipState:
    # the cached tree is replaced as a whole, so that threads see one tree or the other
    global _cached_tree
    tree = _cached_tree
    with prepared_cursor() as cursor:
        cursor.execute(_MEMBERSHIPS_AND_TREE, {"user": user_id, "known": tree.fingerprint})
        fingerprint, team_ids, ranks, all_ids, parents = cursor.fetchone()
    if all_ids is not None:
        children: dict[int, list[int]] = {}
        for team_id, parent in zip(all_ids, parents, strict=True):
            children.setdefault(parent, []).append(team_id)
        tree = _cached_tree = _Tree(fingerprint, children)
    return MembershipState(tree, tuple(zip(team_ids, ranks, strict=True)))


def _inherit_roles(tree: _Tree, memberships: _Memberships) -> Roles:
    roles: Roles = {}
    for rank in sorted({rank for _, rank in memberships}):
        # the stronger role overwrites
        roles.update(
            dict.fromkeys(
                tree.subtree(
                    team_id for team_id, membership_rank in memberships if membership_rank == rank
                ),
                rank,
            )
        )
    return roles


def _restrict_roles(
    tree: _Tree, memberships: _Memberships, team_id: int, minimum_rank: int
) -> Roles:
    inherited = _inherit_roles(tree, memberships)
    ranks = {
        descendant_id: max(minimum_rank, inherited.get(descendant_id, 0))
        for descendant_id in tree.subtree([team_id])
    }
    return {descendant_id: rank for descendant_id, rank in ranks.items() if rank > 0}
