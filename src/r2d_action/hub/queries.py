"""What we ask GitHub's GraphQL interface, as text. Pure.

One question tells all there is to know, at one moment and for the price of one request.
https://docs.github.com/graphql/reference
"""

from __future__ import annotations

# Pull requests of one branch and commits of one proposal are few: further ones tell nothing.
PULLS = 5
COMMITS = 20

_FRAGMENTS = f"""
fragment Commit on Commit {{ message committer {{ email }} parents {{ totalCount }} }}
fragment Pull on PullRequest {{
  number url state body
  commits(last: {COMMITS}) {{ nodes {{ commit {{ message }} }} }}
}}
"""


def standing_query(base: str, branches: int, files: int) -> str:
    """The variables are ``owner``, ``name``, ``draft``, ``branch0`` …, ``ref0`` … (the same as a
    full name) and ``file0`` … (``revision:path``); ``base`` with a named base."""
    numbers, paths = range(branches), range(files)
    declared = [
        "$owner: String!, $name: String!, $draft: String!",
        *(["$base: String!"] if base else []),
        *(f"$branch{n}: String!, $ref{n}: String!" for n in numbers),
        *(f"$file{n}: String!" for n in paths),
    ]
    compared = "".join(
        f"compare{n}: compare(headRef: $branch{n}) {{ aheadBy "
        f"commits(last: {COMMITS}) {{ nodes {{ ...Commit }} }} }} "
        for n in numbers
    )
    base_ref = "ref(qualifiedName: $base)" if base else "defaultBranchRef"
    asked = [
        "id viewerDefaultMergeMethod",
        f"base: {base_ref} {{ name target {{ oid }} {compared}}}",
        "draft: ref(qualifiedName: $draft) { target { oid } }",
        *(f"head{n}: ref(qualifiedName: $ref{n}) {{ target {{ oid }} }}" for n in numbers),
        *(
            f"pulls{n}: pullRequests(headRefName: $branch{n}, first: {PULLS}, "
            "orderBy: {field: CREATED_AT, direction: DESC}) { nodes { ...Pull } }"
            for n in numbers
        ),
        *(f"file{n}: object(expression: $file{n}) {{ oid }}" for n in paths),
    ]
    body = "\n    ".join(asked)
    return (
        f"query Standing({', '.join(declared)}) {{\n"
        f"  repository(owner: $owner, name: $name) {{\n    {body}\n  }}\n}}\n{_FRAGMENTS}"
    )


# GitHub signs what createCommitOnBranch makes, whatever the token; it wants a branch that
# exists, and takes the commit only while that branch is where we said.
COMMIT = """
mutation Commit($refs: UpdateRefsInput!, $commit: CreateCommitOnBranchInput!) {
  updateRefs(input: $refs) { clientMutationId }
  createCommitOnBranch(input: $commit) { commit { oid } }
}
"""

MOVE = """
mutation Move($refs: UpdateRefsInput!) { updateRefs(input: $refs) { clientMutationId } }
"""
