"""What the views hold and compute, without a word of the page: drafts of files, sliders of fits, scans, maps."""
