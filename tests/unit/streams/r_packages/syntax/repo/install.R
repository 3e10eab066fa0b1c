options(repos = "file:///srv/cran")
install.packages(c('ggplot2', 'dplyr')
library(ggplot2)
