"""Secrets: how they are told by their names, and where their values may not go."""

import subprocess

import pytest
from environment import as_file, check_words, chosen, masked
from shell import Refused

HERE = {"HF_TOKEN": "hunter2-hunter2", "WANDB_API_KEY": "0123456789", "COLOUR": "blue", "MONKEY_KEYBOARD": "0" * 9}


def test_a_variable_is_given_by_name_or_with_its_value():
    assert chosen(["COLOUR", "SIZE=a=b c"], HERE) == {"COLOUR": "blue", "SIZE": "a=b c"}
    assert chosen(["TOKENIZERS_PARALLELISM=false"], HERE) == {"TOKENIZERS_PARALLELISM": "false"}
    assert chosen(["HF_TOKEN"], HERE) == {"HF_TOKEN": "hunter2-hunter2"}


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("HF_TOKEN=x", "no place on a command line"),
        ("DB_PASSWORD=x", "no place on a command line"),
        ("AWS_SECRET_ACCESS_KEY=x", "no place on a command line"),
        ("GPG_PASSPHRASE=x", "no place on a command line"),
        ("MYSQL_PWD=x", "no place on a command line"),
        ("PGPASS=x", "no place on a command line"),
        ("UID=1000", "bash keeps that for itself"),
        ("NOT_SET", "not set here"),
        ("a b=c", "expected NAME"),
        ("X;rm=c", "expected NAME"),
    ],
)
def test_what_can_t_be_meant_is_refused_and_the_value_is_not_repeated(flag, words):
    with pytest.raises(Refused, match=words) as error:
        chosen([flag], HERE)
    assert "=x" not in str(error.value)


def test_a_secret_s_value_in_the_command_is_refused_by_its_variable_s_name():
    with pytest.raises(Refused, match="value of HF_TOKEN stands in the command") as error:
        check_words(["python", "--token=hunter2-hunter2"], HERE)
    assert "hunter2" not in str(error.value)
    check_words(["python", "blue", "0" * 9], HERE)


def test_values_of_secrets_are_masked_and_others_are_not():
    assert masked("hunter2-hunter2 0123456789 blue 000000000", HERE) == "*** *** blue 000000000"


def test_a_secret_that_begins_with_another_is_masked_to_its_end():
    both = {"A_TOKEN": "hunter2-hunter2", "B_TOKEN": "hunter2-hunter2-and-more"}
    assert masked("hunter2-hunter2-and-more hunter2-hunter2", both) == "*** ***"


def test_the_tail_of_a_secret_of_many_lines_is_masked_as_well():
    key = {"SSH_PRIVATE_KEY": "--- begin ---\nfirst line of it\nsecond line of it\n--- end ---"}
    assert masked("second line of it\n--- end ---\nend", key) == "***\n***\nend"


def test_a_shell_reads_the_file_back_as_it_was(tmp_path):
    variables = {"A": "two  words", "B": 'it\'s "q" $(id) `id` \\', "C": "line\nbreak", "D": ""}
    (tmp_path / "env").write_text(as_file(variables))
    command = f"set -a; . '{tmp_path}/env'; for name in A B C D; do printf '%s\\0' \"${{!name}}\"; done"
    read = subprocess.run(["bash", "-c", command], capture_output=True, text=True).stdout
    assert read.split("\0")[:-1] == list(variables.values())
