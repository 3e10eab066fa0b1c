"""The commands that tell what is installed in an image."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Protocol

import click

from r2d_action.cli.group import cli
from r2d_action.cli.talk import runner_of
from r2d_action.engine import Engine, connect, docker_config
from r2d_action.environments import provide_extra
from r2d_action.errors import InputError
from r2d_action.inputs import read_inputs
from r2d_action.outcome import to_json
from r2d_action.packages.asked import asked_for
from r2d_action.packages.difference import difference
from r2d_action.packages.hashes import Hashes
from r2d_action.packages.lock import REQUIREMENTS, environments_in, lists_of_the_image, lock_files
from r2d_action.packages.lookup import Lookup
from r2d_action.packages.values import PackageList
from r2d_action.packages.words import in_a_line, told
from r2d_action.reference import InvalidReference, Reference, Registry
from r2d_action.registry.client import Client
from r2d_action.registry.keychain import credential_for
from r2d_action.registry.login import Login
from r2d_action.registry.transport import new_session
from r2d_action.retry import Retry
from r2d_action.runner import Runner
