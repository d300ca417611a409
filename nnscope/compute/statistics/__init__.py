"""What one look at all values tells: moments, counts, histogram, quantiles."""
