"""Every level of mean, minimum, maximum and variance, in two and three dimensions."""
