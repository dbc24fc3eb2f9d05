"""A film of the watermark: the same records sent in three ways, and which of them a stream drops as late."""
