#!/usr/bin/python3
"""test_ical.py PROBE: iCalendar as we write it, read back by python-icalendar; and local times against
the zoneinfo of Python."""
import base64
import datetime
import random
import subprocess
import sys
import unittest
import uuid
import zoneinfo

import icalendar

PROBE = sys.argv.pop(1)
START_S = 1795167000

GOLDEN = """BEGIN:VCALENDAR
PRODID:-//salesd//salesd//EN
VERSION:2.0
METHOD:REQUEST
BEGIN:VEVENT
UID:u1@salesd
DTSTAMP:20261118T110640Z
DTSTART:20261120T093000Z
DTEND:20261120T100000Z
SEQUENCE:2
STATUS:CONFIRMED
SUMMARY:Call\\, then write
DESCRIPTION:one\\ntwo
ORGANIZER;CN=Ada:mailto:us@firm.example
ATTENDEE;CN=Ada;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:
 mailto:ada@x.example
END:VEVENT
END:VCALENDAR
"""


def write(summary="Call", description="", organizer="", attendee="", name="", sequence=0, cancelled=0):
    return subprocess.run(
        [PROBE, "write", "u1@salesd", str(START_S * 10**6), str((START_S + 1800) * 10**6), str(sequence), str(cancelled),
         summary, description, organizer, attendee, name], check=True, capture_output=True).stdout.decode()


def event(text):
    found = icalendar.Calendar.from_ical(text).walk("VEVENT")
    assert len(found) == 1, text
    return found[0]


class Ical(unittest.TestCase):
    def test_golden(self):
        text = write("Call, then write", "one\ntwo", "us@firm.example", "ada@x.example", "Ada", sequence=2)
        self.assertEqual(text, GOLDEN.replace("\n", "\r\n"))

    def test_a_cancellation_has_the_same_uid_and_the_next_sequence(self):
        text = write(sequence=3, cancelled=1)
        self.assertIn("METHOD:CANCEL\r\n", text)
        self.assertEqual((event(text)["STATUS"], event(text)["SEQUENCE"], event(text)["UID"]), ("CANCELLED", 3, "u1@salesd"))

    def test_without_both_people_it_is_no_invitation(self):
        for people in ({}, {"organizer": "us@firm.example"}, {"attendee": "ada@x.example"}):
            self.assertIn("METHOD:PUBLISH\r\n", write(**people))
            self.assertNotIn("ATTENDEE", event(write(**people)))

    def test_no_text_adds_a_property(self):
        for evil in ("x\r\nATTENDEE:mailto:evil@x.example", "x\nEND:VEVENT\nBEGIN:VEVENT", 'a"b;RSVP=TRUE:mailto:evil@x',
                     "\x01\x7f;,\\n", "\\", "x\u2028y"):
            text = write(evil, evil, "us@firm.example", "ada@x.example", evil)
            e = event(text)
            self.assertEqual(str(e["ATTENDEE"]), "mailto:ada@x.example", text)
            self.assertEqual(sorted(e), sorted(event(write("x", "x", "us@firm.example", "ada@x.example", "x"))), text)

    def test_lines_are_at_most_75_octets_and_whole_in_utf8(self):
        random.seed(1)
        for _ in range(60):
            words = "".join(random.choice("aé漢😀 ,;") for _ in range(random.randrange(1, 200))).strip() or "x"
            text = write(words, words)
            for line in text.encode().split(b"\r\n"):
                self.assertLessEqual(len(line), 75)
                line.decode()
            self.assertEqual(str(event(text)["SUMMARY"]), words)
            self.assertEqual(str(event(text)["DESCRIPTION"]), words)

    def test_local_times_are_those_of_the_zone(self):
        random.seed(2)
        zones = ["UTC", "Europe/Vienna", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe",
                 "Pacific/Chatham", "America/St_Johns", "Africa/Casablanca"]
        switches = [1774746000, 1792890000, 1772953200, 1793512800]  # of 2026: Vienna, New York
        for zone in zones:
            for at in [s + d for s in switches for d in (-1, 0, 1)] + [random.randrange(1600000000, 2000000000) for _ in range(8)]:
                local = datetime.datetime.fromtimestamp(at, zoneinfo.ZoneInfo(zone))
                said = subprocess.run([PROBE, "local", zone, str(at)], check=True, capture_output=True, text=True).stdout.split()
                self.assertEqual([int(x) for x in said], [local.isoweekday(), local.hour * 60 + local.minute], (zone, at))
        self.assertEqual(subprocess.run([PROBE, "local", "Mars/Olympus", "0"], check=False).returncode, 1)

    def test_event_ids_are_base32hex_of_the_id(self):
        for _ in range(20):
            u = uuid.uuid4()
            said = subprocess.run([PROBE, "id", str(u)], check=True, capture_output=True, text=True).stdout.strip()
            self.assertEqual(said, base64.b32hexencode(u.bytes).decode().rstrip("=").lower())


unittest.main()
