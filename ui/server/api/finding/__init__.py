"""Routes that find: searches, the studies that they find, and their pictures and volumes."""
