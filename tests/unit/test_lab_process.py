from lab.process import birth_from_stat

AFTER_STATE = " ".join(str(number) for number in range(4, 53))


def test_a_process_is_known_by_its_boot_and_start() -> None:
    assert birth_from_stat(f"17 (dockerd) S {AFTER_STATE}", "boot") == "boot:22"


def test_a_program_may_have_any_name() -> None:
    assert birth_from_stat(f"17 (a) Z (b c) S {AFTER_STATE}", "boot") == "boot:22"


def test_a_process_that_waits_to_be_reaped_is_gone() -> None:
    assert birth_from_stat(f"17 (dockerd) Z {AFTER_STATE}", "boot") is None
