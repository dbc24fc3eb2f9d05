"""Our options and the user's."""

from sf_police.spark.merging import java_options_of_driver, merged


def test_theirs_win_and_lists_have_both() -> None:
    ours = {"spark.log.level": "WARN", "spark.jars": "/ours.jar", "spark.driver.extraJavaOptions": "-Da=1 -Xms2g"}
    theirs = {
        "spark.log.level": "INFO",
        "spark.jars": "/theirs.jar",
        "spark.driver.extraJavaOptions": "-Da=2",
        "spark.executor.memory": "2g",
        "spark.driver.extraClassPath": "/x.jar",
    }

    assert merged(ours, theirs) == {
        "spark.log.level": "INFO",
        "spark.jars": "/ours.jar,/theirs.jar",
        "spark.driver.extraJavaOptions": "-Da=1 -Xms2g -Da=2",
        "spark.executor.memory": "2g",
        "spark.driver.extraClassPath": "/x.jar",
    }
    assert merged(ours, {}) == ours


def test_options_for_the_drivers_java_are_under_two_names() -> None:
    options = {"spark.driver.defaultJavaOptions": "-Da", "spark.driver.extraJavaOptions": "-Db"}

    assert java_options_of_driver(options).split() == ["-Da", "-Db"]
    assert java_options_of_driver({}).split() == []
