package io.github.harmonysidecar.conformance;

/** Counts the vectors that passed and failed. */
record Tally(int passed, int failed) {
  static final Tally NONE = new Tally(0, 0);
  static final Tally PASSED = new Tally(1, 0);
  static final Tally FAILED = new Tally(0, 1);

  Tally plus(Tally other) {
    return new Tally(passed + other.passed, failed + other.failed);
  }

  boolean isSuccess() {
    return passed > 0 && failed == 0;
  }

  @Override
  public String toString() {
    return passed + " passed, " + failed + " failed";
  }
}
