"""What ``SCHEMATHESIS_HOOKS`` names: schemathesis learns of a hook when this is imported."""

import schemathesis

from tests.fuzz.bodies import before_generate_case

schemathesis.hook(before_generate_case)
