#!/usr/bin/env python3
"""Opens a pull request that brings `uat` back to `dev`, when `uat` has something that `dev` lacks.

    python3 .github/scripts/back_sync.py

Called by .github/workflows/back-sync.yml. It reads and never writes the repository: the one thing that it changes is
that a pull request is there. It uses three calls of GitHub's REST API (docs.github.com/rest: "Compare two commits",
"List pull requests", "Create a pull request") and nothing but Python's standard library.

    GITHUB_API_URL      the API's address                       set by GitHub Actions
    GITHUB_REPOSITORY   owner/name                              set by GitHub Actions
    GITHUB_TOKEN        contents: read, pull-requests: write    given by the workflow
    BACK_SYNC_HEAD      the branch that may be ahead            default: uat
    BACK_SYNC_BASE      the branch that should have it          default: dev

Exit codes: 0 a pull request is open, or none is needed (it says which); 1 GitHub refused or could not be asked;
2 wrong use. Nothing is tried again: the workflow can be run again by hand.
"""

import json
import os
import re
import sys
import urllib.error
import urllib.parse
import urllib.request

TIMEOUT_SECONDS = 30
# The error that GitHub answers while the repository forbids what the workflow is for.
FORBIDDEN_BY_SETTING = (
    "if it says that GitHub Actions is not permitted to create pull requests: allow it under "
    "Settings > Actions > General > Workflow permissions"
)


class Refused(Exception):
    """GitHub's answer was not the expected one. `status` is None when there was no answer."""

    def __init__(self, what, status, message):
        super().__init__(f"{what}: {'no answer' if status is None else f'status {status}'}: {message}")
        self.status = status


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the token to another address. A repository that was renamed is told instead."""

    def redirect_request(self, *_):
        return None


class GitHub:
    """The calls, on one repository."""

    def __init__(self, api, repository, token):
        self.address = f"{api}/repos/{repository}"
        self.token = token
        self.opener = urllib.request.build_opener(NoRedirect)

    def call(self, what, path, expected, body=None):
        request = urllib.request.Request(
            self.address + path,
            data=None if body is None else json.dumps(body).encode(),
            method="GET" if body is None else "POST",
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                "User-Agent": "gristmill-back-sync",
                "X-GitHub-Api-Version": "2022-11-28",
            },
        )
        try:
            with self.opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                raise Refused(what, error.code, error.read().decode(errors="replace")[:1000]) from None
        # A timeout while the body is read is no URLError.
        except OSError as error:
            raise Refused(what, None, str(error)) from None
        if status != expected:
            raise Refused(what, status, f"{expected} was expected")
        try:
            return json.loads(text)
        except ValueError:
            raise Refused(what, status, "the answer is not JSON") from None

    def comparison(self, base, head):
        path = f"/compare/{urllib.parse.quote(base, safe='')}...{urllib.parse.quote(head, safe='')}?per_page=1"
        found = self.call(f"comparing {base} with {head}", path, 200)
        # An answer without these must not be read as "nothing to do".
        if not isinstance(found, dict) or not isinstance(found.get("ahead_by"), int) or not isinstance(found.get("files"), list):
            raise Refused(f"comparing {base} with {head}", 200, "the answer has no ahead_by or no files")
        return found["ahead_by"], len(found["files"])

    def open_pull_request(self, base, head):
        owner = self.address.rsplit("/", 2)[1]
        query = urllib.parse.urlencode({"state": "open", "base": base, "head": f"{owner}:{head}"})
        found = self.call(f"looking for a pull request from {head} to {base}", f"/pulls?{query}", 200)
        # `head` is ignored by GitHub when it cannot be read, and all pull requests are listed then.
        found = [one for one in found if one["head"]["ref"] == head and one["base"]["ref"] == base]
        return found[0]["html_url"] if found else None

    def create_pull_request(self, base, head, ahead_by):
        body = (
            f"`{head}` has {commits(ahead_by)} that `{base}` lacks. Merge this, so that the next change to `{base}` builds "
            f"on what was tested and corrected in `{head}`.\n\n"
            "Opened by `.github/workflows/back-sync.yml`. Further pushes show up here by themselves."
        )
        created = self.call(
            f"creating a pull request from {head} to {base}",
            "/pulls",
            201,
            {"title": f"Bring {head} back to {base}", "head": head, "base": base, "body": body, "maintainer_can_modify": False},
        )
        return created["html_url"]


def commits(count):
    return "1 commit" if count == 1 else f"{count} commits"


def back_sync(github, base, head):
    """Does what is needed, and says in one sentence what that was."""
    ahead_by, files = github.comparison(base, head)
    if ahead_by == 0:
        return f"{head} has no commit that {base} lacks: nothing to do"
    if files == 0:
        # A promotion by a merge commit looks like this. A pull request without a change would help nobody.
        return f"{head} is ahead of {base} by {commits(ahead_by)} that change no file: nothing to do"
    if address := github.open_pull_request(base, head):
        return f"{head} is ahead of {base} by {commits(ahead_by)}; a pull request is open already: {address}"
    try:
        address = github.create_pull_request(base, head, ahead_by)
    except Refused as refused:
        # 422 is also the answer when somebody else opened it in between.
        if refused.status == 422 and (address := github.open_pull_request(base, head)):
            return f"{head} is ahead of {base} by {commits(ahead_by)}; a pull request was just opened: {address}"
        raise
    return f"{head} is ahead of {base} by {commits(ahead_by)}; opened {address}"


def main():
    api, repository, token = (os.environ.get(name, "") for name in ("GITHUB_API_URL", "GITHUB_REPOSITORY", "GITHUB_TOKEN"))
    head, base = os.environ.get("BACK_SYNC_HEAD") or "uat", os.environ.get("BACK_SYNC_BASE") or "dev"
    if not api or not token or not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        print("GITHUB_API_URL, GITHUB_TOKEN and GITHUB_REPOSITORY (owner/name) must be set", file=sys.stderr)
        return 2
    try:
        print(back_sync(GitHub(api.rstrip("/"), repository, token), base, head))
    except Refused as refused:
        hint = f" ({FORBIDDEN_BY_SETTING})" if refused.status == 403 else ""
        # One line: what GitHub answered must not be read as a command of the workflow's log.
        print(f"::error::{' '.join(str(refused).split())}{hint}".replace("%", "%25"), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
