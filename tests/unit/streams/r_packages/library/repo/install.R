options(repos = "file:///srv/cran")
install.packages('ggplot2')
library(ggplot2)
