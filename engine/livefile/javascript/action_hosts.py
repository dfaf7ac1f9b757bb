"""The hosts of a deployment's actions: one process for those of the web, one with "use node".

Each is started for the first action, and again after it has ended.

Not here: one host (``action_host.py``); queries and mutations (``host_pool.py``).
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from livefile.javascript.action_host import ActionHost, Mode
from livefile.javascript.node_packages import NodePackages
from livefile.vocabulary.limits import ACTION_HOST_SILENCE_MS_MAX, HOST_CODES_MAX

_Key = tuple[Mode, Path | None, bool]
"""Mode, folder, and whether the host is open."""


class ActionHosts:
    """Hosts that are started when they are needed. On the actions' event loop, but ``close``."""

    def __init__(
        self, packages: NodePackages, silence_ms_max: int = ACTION_HOST_SILENCE_MS_MAX
    ) -> None:
        """Start none yet."""
        self._packages = packages
        self._silence_ms_max = silence_ms_max
        self._hosts: dict[_Key, ActionHost] = {}
        self._lock: asyncio.Lock | None = None

    @property
    def pids(self) -> list[int]:
        """The numbers of the processes; for figures."""
        return [host.pid for host in self._hosts.values() if host.is_usable]

    async def host_for_web(self, code_id: str, *, is_open: bool) -> ActionHost:
        """Return the host of actions that have the web's globals only.

        Where ``is_open``, they may change the language's own objects.
        """
        return await self._host(("actions", None, is_open), code_id)

    async def host_for_node(self, code_id: str, dependencies: Mapping[str, str]) -> ActionHost:
        """Return the host of actions with "use node", with these packages installed.

        Raises:
            PushError: they cannot be installed.
        """
        folder = await asyncio.to_thread(self._packages.folder_of, dependencies)
        return await self._host(("node", folder, False), code_id)

    def close(self) -> None:
        """End the processes. Any thread."""
        for host in tuple(self._hosts.values()):
            host.kill("the deployment is closed")

    async def _host(self, key: _Key, code_id: str) -> ActionHost:
        mode, folder, is_open = key
        if self._lock is None:
            self._lock = asyncio.Lock()
        async with self._lock:  # So that two actions do not start two.
            host = self._hosts.get(key)
            if host is not None and code_id not in host.loaded:
                # Each push leaves its code behind in the process; and packages change with one.
                if len(host.loaded) >= HOST_CODES_MAX:
                    host.retire()
                self._retire_others(key)
            if host is None or not host.is_usable:
                self._retire_others(key)
                host = await ActionHost.start(mode, folder, self._silence_ms_max, is_open=is_open)
                self._hosts[key] = host
            return host

    def _retire_others(self, kept: _Key) -> None:
        for key in [key for key in self._hosts if key[0] == kept[0] and key != kept]:
            self._hosts.pop(key).retire()
