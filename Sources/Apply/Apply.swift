// Applies committed entries, one after another, to the store and all that is built on it.
