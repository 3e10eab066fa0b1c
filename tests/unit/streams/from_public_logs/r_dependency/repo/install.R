install.packages('ggplot2')
install.packages(c('sf', 'tmap'))
