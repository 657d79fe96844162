"""One folder per host; what they share is the way out (`http`) and the way in (`signing`)."""
