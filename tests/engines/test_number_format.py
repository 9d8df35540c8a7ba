"""The number format follows the machine unless one is asked for."""

import pytest

from sim.engines import number_format as module
from sim.engines.number_format import number_format

pytest.importorskip("torch", reason="torch is not installed")


@pytest.mark.parametrize(
    ("on_cpu", "multiplies", "expected"),
    [(True, True, "bfloat16"), (True, False, "float32"), (False, False, "bfloat16")],
)
def test_auto_takes_the_fast_format(monkeypatch, on_cpu, multiplies, expected):
    monkeypatch.setattr(module, "cpu_multiplies_bfloat16", lambda: multiplies)
    assert number_format("auto", on_cpu=on_cpu) == expected
    assert number_format("float16", on_cpu=on_cpu) == "float16"


def test_torch_still_answers_the_question():
    assert module.cpu_multiplies_bfloat16() in (True, False)


def test_a_format_nobody_knows_is_a_user_error():
    from pydantic import TypeAdapter, ValidationError

    from sim.engines.vllm_load import VllmConfig

    with pytest.raises(ValidationError, match="bfloat16"):
        TypeAdapter(VllmConfig).validate_python({"dtype": "bf16"})
