SELECT owner FROM locks WHERE namespace = %(namespace)s AND name = %(name)s AND expires > epoch()
