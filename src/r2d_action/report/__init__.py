"""What a run says of itself: to its own page, to a pull request, to the steps that follow."""
