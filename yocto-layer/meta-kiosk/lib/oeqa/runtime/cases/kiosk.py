# SPDX-License-Identifier: MIT
"""A kiosk that has started: bitbake -c testimage kiosk-image-dev."""

import json

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

    @OETestDepends(["ssh.SSHTest.test_ssh"])
    @OEHasPackage(["kioskd"])
    def test_daemon_has_shown_a_frame(self):
        # Type=notify: it is active when its first frame was shown.
        self.output("timeout 120 sh -c 'until systemctl is-active kioskd; do sleep 1; done'", 130)
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
        source, options = self.output("findmnt -n -o SOURCE,OPTIONS /").split()
        self.assertEqual(source, "/dev/mapper/root")
        self.assertIn("ro", options.split(","))
        self.assertEqual(self.output("dmsetup table root").split()[2], "verity")
        status, _ = self.target.run("touch /usr/written")
        self.assertNotEqual(status, 0)

    @OETestDepends(["ssh.SSHTest.test_ssh"])
    def test_state_is_on_its_partition(self):
        source = self.output("readlink -f $(findmnt -n -o SOURCE /var)")
        self.assertEqual(source, self.output("readlink -f /dev/disk/by-partlabel/state"))

    @OETestDepends(["ssh.SSHTest.test_ssh"])
    def test_numbers_of_users_are_fixed(self):
        self.assertEqual(self.output("id -u kioskd"), "900")
        self.assertEqual(self.output("getent group gpio").split(":")[2], "910")

    @OETestDepends(["ssh.SSHTest.test_ssh"])
    def test_nobody_but_root_controls_updates(self):
        status, said = self.target.run(
            "setpriv --reuid=kioskd --clear-groups busctl call de.pengutronix.rauc / "
            "de.pengutronix.rauc.Installer Mark ss bad other"
        )
        self.assertNotEqual(status, 0, said)
