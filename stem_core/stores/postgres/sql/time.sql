SELECT epoch()
