"""The provider of language models as configured: salesd against the stand-in.

usage: test_language.py SALESD   (ctest does it)
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from standin import Standin  # noqa: E402

SALESD = sys.argv[1]
KEY = "sk-ant-api-key-of-the-test"


class Language(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.mkdtemp(prefix="language_")
        self.standin = Standin()
        self.addCleanup(subprocess.run, ["rm", "-rf", self.scratch], check=True)
        self.addCleanup(self.standin.close)

    def start(self, **settings):
        """Starts salesd, stops it, once `until` holds; returns exit code, log rows and the metrics while it ran."""
        until = settings.pop("until", lambda: True)
        with open(f"{self.scratch}/key", "w", encoding="utf-8") as f:
            f.write(settings.pop("key", KEY) + "\n")
        os.chmod(f"{self.scratch}/key", 0o600)
        flags = {"listen": "127.0.0.1:0", "http-listen": "127.0.0.1:0", "store": f"sqlite:{self.scratch}/sales.db",
                 "ai-provider": "anthropic", "ai-url": self.standin.url, "ai-version": "2026-10-21",
                 "ai-key-file": f"{self.scratch}/key", "ai-models": "claude-sonnet-5-5",
                 "ai-prices": "claude-sonnet-5-5=2/10, claude-sonnet-4-5=3/15, claude-3-5-sonnet-20241022=3/15"}
        flags.update({k.replace("_", "-"): v for k, v in settings.items()})
        env = {k: v for k, v in os.environ.items() if not k.startswith("SALES_")}
        process = subprocess.Popen([SALESD] + [f"--{k}={v}" for k, v in flags.items() if v is not None],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, text=True)
        ready = re.search(r"http=(\S+)", process.stdout.readline())
        metrics = ""
        if ready:
            with urllib.request.urlopen(f"http://{ready[1]}/metrics", timeout=10) as answer:
                metrics = answer.read().decode()
            for _ in range(200):
                if until():
                    break
                time.sleep(0.1)
            process.terminate()
        log = process.communicate(timeout=30)[1]
        self.assertNotIn(KEY, log)
        return process.returncode, [json.loads(line) for line in log.splitlines()], metrics

    @staticmethod
    def checks(log):
        """What was told of models, by the start or by the job, each once."""
        return sorted({(row.get("model"), row.get("lifecycle"), row["level"], row.get("reason"))
                       for row in log if row["event"] == "ai.model_checked"}, key=str)

    def test_a_model_that_lives_is_no_news(self):
        code, log, metrics = self.start()
        self.assertEqual((code, self.checks(log)), (0, []))
        self.assertIn('sales_breaker_state{target="anthropic"} 0', metrics)
        self.assertIn('gen_ai_request_model="claude-sonnet-5-5"', metrics)
        seen = self.standin.requests("anthropic")
        self.assertEqual({row["path"] for row in seen}, {"/v1/models/claude-sonnet-5-5"})
        self.assertEqual(seen[0]["headers"]["authorization"], "Bearer " + KEY)
        self.assertEqual(seen[0]["headers"]["anthropic-version"], "2026-10-21")

    def test_models_that_age_or_are_gone_are_told_of(self):
        code, log, _ = self.start(ai_models="claude-3-5-sonnet-20241022, text.summary=claude-sonnet-4-5")
        self.assertEqual(code, 0)
        self.assertEqual(self.checks(log),
                         [("claude-3-5-sonnet-20241022", "retired", "error", None),
                          ("claude-sonnet-4-5", "deprecated", "warn", None)])

    def test_models_are_looked_up_by_a_job_too_and_not_again_on_the_same_day(self):
        def asked(n):
            return lambda: len(self.standin.requests("anthropic")) >= n

        code, log, _ = self.start(ai_models="claude-3-5-sonnet-20241022", until=asked(2))
        self.assertEqual((code, len(self.standin.requests("anthropic"))), (0, 2))  # by the start, by the job
        self.assertEqual([row["level"] for row in log if row["event"] == "ai.model_checked"], ["error", "error"])
        began = time.monotonic()
        code, _, _ = self.start(ai_models="claude-3-5-sonnet-20241022", until=lambda: time.monotonic() > began + 3)
        self.assertEqual((code, len(self.standin.requests("anthropic"))), (0, 3))  # by the start alone

    def test_a_service_that_refuses_or_is_away_keeps_nobody_from_starting(self):
        code, log, _ = self.start(key="invalid")
        self.assertEqual((code, self.checks(log)), (0, [(None, None, "warn", "AI_KEY")]))
        code, log, _ = self.start(ai_url="http://127.0.0.1:1")
        self.assertEqual((code, self.checks(log)), (0, [(None, None, "warn", "HTTP_CONNECT")]))

    def test_a_configuration_that_says_too_little_is_2(self):
        for settings in ({"ai_url": None}, {"ai_version": None}, {"ai_models": None}, {"ai_provider": "oracle"},
                         {"ai_models": "a b"}, {"ai_models": "without-a-price"}, {"ai_prices": "2/10"},
                         {"ai_prompts": "/nonexistent"}, {"ai_url": "ftp://x"}, {"ai_url": self.standin.url + "/"}):
            with self.subTest(settings):
                self.assertEqual(self.start(**settings)[0], 2)

    def test_the_local_provider_asks_nobody(self):
        code, _, _ = self.start(ai_provider="local")
        self.assertEqual((code, self.standin.requests("anthropic")), (0, []))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
