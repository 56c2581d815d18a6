# SPDX-License-Identifier: MIT
"""A kiosk that has started: bitbake -c testimage kiosk-image-dev."""

import json
import time

from oeqa.core.decorator.depends import OETestDepends
from oeqa.runtime.case import OERuntimeTestCase
from oeqa.runtime.decorator.package import OEHasPackage


class KioskTest(OERuntimeTestCase):
    """What a technician would look at."""

    def output(self, command, seconds=60):
        """What a command on the kiosk says; its failure is the test's."""
        status, said = self.target.run(command, timeout=seconds)
        self.assertEqual(status, 0, f"{command}: {said}")
        return said.strip()

    def mount(self, where):
        """Source and options of what is mounted there last."""
        mounts = [line.split() for line in self.output("cat /proc/mounts").splitlines()]
        source, _, _, options = [it[:4] for it in mounts if it[1] == where][-1]
        return source, options

    @OETestDepends(["ssh.SSHTest.test_ssh"])
    @OEHasPackage(["kioskd"])
    def test_daemon_has_shown_a_frame(self):
        # Type=notify: it is active when its first frame was shown.
        deadline = time.monotonic() + 120
        while self.target.run("systemctl is-active kioskd")[0] and time.monotonic() < deadline:
            time.sleep(1)
        self.output("systemctl is-active kioskd")
        self.assertIsInstance(json.loads(self.output("kioskctl --json status")), dict)

    @OETestDepends(["kiosk.KioskTest.test_daemon_has_shown_a_frame"])
    def test_nothing_has_failed(self):
        self.output("systemctl is-system-running --wait", 180)
        self.assertEqual(self.output("systemctl list-units --failed --no-legend --plain"), "")

    @OETestDepends(["kiosk.KioskTest.test_daemon_has_shown_a_frame"])
    def test_slot_is_proven(self):
        self.output("systemctl is-active kiosk-health.service boot-complete.target")
        arguments = self.output("cat /proc/cmdline").split()
        self.assertIn("rauc.slot=A", arguments)
        self.assertIn("good", self.output("rauc status --output-format=shell"))

    @OETestDepends(["ssh.SSHTest.test_ssh"])
    def test_root_is_read_only_and_verified(self):
        source, options = self.mount("/")
        self.assertEqual(source, "/dev/mapper/root")
        self.assertIn("ro", options.split(","))
        self.assertEqual(self.output("dmsetup table root").split()[2], "verity")
        status, _ = self.target.run("touch /usr/written")
        self.assertNotEqual(status, 0)

    @OETestDepends(["ssh.SSHTest.test_ssh"])
    def test_state_is_on_its_partition(self):
        source = self.output(f"readlink -f {self.mount('/var')[0]}")
        self.assertEqual(source, self.output("readlink -f /dev/disk/by-partlabel/state"))

    @OETestDepends(["ssh.SSHTest.test_ssh"])
    def test_numbers_of_users_are_fixed(self):
        self.assertEqual(self.output("id -u kioskd"), "900")
        self.assertEqual(self.output("grep ^gpio: /etc/group").split(":")[2], "910")

    @OETestDepends(["ssh.SSHTest.test_ssh"])
    def test_nobody_but_root_controls_updates(self):
        status, said = self.target.run(
            "systemd-run --quiet --pipe --wait --uid=kioskd busctl call de.pengutronix.rauc / "
            "de.pengutronix.rauc.Installer Mark ss bad other"
        )
        self.assertNotEqual(status, 0, said)
